/* rows.h: flat arrays that are made by one thread, which has the time, to be filled by
 * another, which has not. */
#ifndef BASE_ROWS_H
#define BASE_ROWS_H

#include <stddef.h>

/* `n` zeroed rows (room for one at least); NULL when memory is out. Their pages are there
 * already: for 100,000 rows the kernel takes milliseconds to find them. free() frees. */
void *rows_new(size_t n, size_t size);

#endif
