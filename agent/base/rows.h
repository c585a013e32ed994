/* rows.h: flat arrays: made by one thread, which has the time, to be filled by another,
 * which has not; and put in order. */
#ifndef BASE_ROWS_H
#define BASE_ROWS_H

#include <stddef.h>

/* `n` zeroed rows (room for one at least); NULL when memory is out. Their pages are there
 * already: for 100,000 rows the kernel takes milliseconds to find them. free() frees. */
void *rows_new(size_t n, size_t size);

/* As qsort_r(), but what is in order already is left at one look at each row: people, and
 * programs all the more, write their files in order. */
void rows_sort(void *rows, size_t n, size_t size,
	       int (*cmp)(const void *a, const void *b, void *arg), void *arg);

#endif
