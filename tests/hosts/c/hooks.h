/* What the library in library/ offers beside its tasks, for tests to look into it and to steer it. */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many of its tasks hold something. */
int64_t harbour_alive(void);
/* How many of the buffers that it has lent are not freed. */
int64_t harbour_lent(void);
/* Whether harbour_hog may end. */
void harbour_release(bool released);
/* From now on panics are not written to standard error. */
void harbour_hush(void);

#ifdef __cplusplus
}
#endif

#endif
