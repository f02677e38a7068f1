// SPDX-License-Identifier: MIT
// Timers that survive a restart of the server: a wall-clock time, and a few bytes for whoever set
// it. They are settings of the store ("alarm/<kind>/<name>"), written with the commit of the loop
// turn that set them.
//
// One goes off once, at its time or, when no server ran then, soon after the next start. It is
// taken out of the store with the same commit that holds what its handler does: after a crash in
// between it goes off again. Nothing wakes up for alarms but one timer, set to the next of them
// (and, while there are any, at least every ALARM_LOOK_MS, as somebody may set the wall clock).
#ifndef SWARMD_CORE_STORE_ALARM_H
#define SWARMD_CORE_STORE_ALARM_H

#include "core/store/journal.h"

enum {
    ALARMS_MAX = 100000,       // more are refused (limit)
    ALARM_NAME_MAX = 512,      // bytes
    ALARM_BODY_MAX = 64 << 10, // bytes
    ALARM_LOOK_MS = 3600000,
};

struct alarms;

struct alarms *alarms_create(const struct ports *ports, struct journal *journal);
void alarms_destroy(struct alarms *alarms); // takes NULL; nothing is taken out of the store

// Who is called for the alarms of a kind (a word, not copied): on the loop, from none of the
// functions here, and with the alarm gone already. It may set and clear any.
void alarms_handle(struct alarms *alarms, const char *kind,
                   void (*fn)(void *arg, struct str name, struct str body), void *arg);

// At start, for each setting, when the handlers are known: whether it is an alarm's. One of a kind
// that is not known stays in the store and does not go off.
bool alarms_restore(struct alarms *alarms, struct str key, struct str value);

// Sets it, or sets it anew. Times are ms since 1970.
bool alarm_set(struct alarms *alarms, const char *kind, struct str name, int64_t due,
               struct str body, struct err *err);
void alarm_clear(struct alarms *alarms, const char *kind, struct str name); // harmless when not set
int64_t alarm_due(const struct alarms *alarms, const char *kind, struct str name); // 0: not set

#endif
