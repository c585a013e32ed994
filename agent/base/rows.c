/* rows.c: calloc() gives pages that come when they are first written; here they come
 * at once. */
#include "agent/base/rows.h"

#include <stdlib.h>

enum { PAGE = 4096 }; /* the least there is: a larger one is written several times */

void *rows_new(size_t n, size_t size)
{
	void *rows = calloc(n ? n : 1, size);
	/* volatile: zeroes over zeroes would be left out */
	volatile char *bytes = rows;
	size_t at;

	for (at = 0; rows && at < n * size; at += PAGE)
		bytes[at] = 0;
	return rows;
}

void rows_sort(void *rows, size_t n, size_t size,
	       int (*cmp)(const void *a, const void *b, void *arg), void *arg)
{
	const char *row = rows;
	size_t i;

	for (i = 1; i < n && cmp(row, row + size, arg) <= 0; i++)
		row += size;
	if (i < n)
		qsort_r(rows, n, size, cmp, arg);
}
