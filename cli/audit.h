// SPDX-License-Identifier: MIT
// swarmd audit: what agents asked, were allowed and ran, as text.
#ifndef SWARMD_CLI_AUDIT_H
#define SWARMD_CLI_AUDIT_H

// argv[0] is "audit". The exit code.
int audit_main(int argc, char **argv);

#endif
