# SPDX-License-Identifier: MIT
# cmake -DINPUT=file -DOUTPUT=file.c -DNAME=symbol -P embed.cmake: a file as an array of bytes.
file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "// SPDX-License-Identifier: MIT\n#include \"core/model/${NAME}.h\"\n"
  "const char ${NAME}[${size}] = {${bytes}};\nconst unsigned long ${NAME}_size = ${size};\n")
