" SPDX-License-Identifier: MIT
" The one place that knows which editor this is. What differs between them is in two files with the
" same functions, vim.vim and nvim.vim; the others call swarm#editor#call(name, arguments...):
"
"   start(command, handlers)         starts a server: a handle, or a string that says why not.
"                                    handlers: {notification: Fn(method, params),
"                                    exit: Fn(how, last line of stderr), trouble: Fn(text)}
"   request(handle, method, params, Fn)   Fn(error, result), error is {} when there is none
"   notify(handle, method, params)
"   spans(bufnr, lnum, lines)        gives lines from lnum on their spans, in place of all others
"   select(items, prompt, kind, Fn)  Fn(index), -1 when nothing was chosen; items are strings
"   input(prompt, default, Fn)       Fn(text), v:null when it was given up
"   message(text, level)             level: info, warning, error
"   float(lines, options)            shows lines over the others: a handle for close(handle).
"                                    options: {filetype, focus, corner: out of the way}
"   close(handle)
"   drawn()                          a buffer was changed, perhaps while a question is open
"   user(pattern, data)              triggers a User autocommand
"   diagnostics(bufnr, first, last)  what the editor's own list has for lines:
"                                    [{lnum, end_lnum, text, severity}]
"   name()                           for `clientInfo`: {name, version}

let s:adapter = has('nvim') ? 'swarm#nvim#' : 'swarm#vim#'

function! swarm#editor#call(name, ...) abort
  return call(s:adapter .. a:name, a:000)
endfunction
