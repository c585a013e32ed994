/* test_buf.c: growing bytes and the linear pool. */
#include "agent/base/arena.h"
#include "agent/base/buf.h"
#include "tests/unit/t.h"

static void writes_and_grows(void **state ATTR_UNUSED)
{
	struct buf b = BUF_INIT;
	int i;

	assert_string_equal(buf_str(&b), "");
	for (i = 0; i < 1000; i++)
		buf_puts(&b, "0123456789");
	assert_int_equal(b.len, 10000);
	assert_int_equal(strlen(buf_str(&b)), 10000);
	buf_reset(&b);
	assert_string_equal(buf_str(&b), "");
	buf_put_u64(&b, UINT64_MAX);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MIN);
	buf_printf(&b, " %s %05d", "x", 42);
	assert_string_equal(buf_str(&b), "18446744073709551615 -9223372036854775808 x 00042");
	buf_fini(&b);
	assert_null(b.data);
}

static void failure_is_sticky(void **state ATTR_UNUSED)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "kept");
	assert_false(buf_reserve(&b, SIZE_MAX / 2));
	buf_puts(&b, "more");
	assert_false(buf_ok(&b));
	assert_string_equal(buf_str(&b), "");
	assert_null(buf_take(&b));
	buf_puts(&b, "anew");
	assert_true(buf_ok(&b));
	assert_string_equal(buf_str(&b), "anew");
	buf_fini(&b);
}

static void take_hands_over(void **state ATTR_UNUSED)
{
	struct buf b = BUF_INIT;
	char *text = buf_take(&b);

	assert_string_equal(text, "");
	free(text);
	buf_put(&b, "a\0b", 3);
	text = buf_take(&b);
	assert_memory_equal(text, "a\0b", 4);
	assert_null(b.data);
	free(text);
}

static void arena_gives_zeroed_aligned_memory(void **state ATTR_UNUSED)
{
	struct arena a = ARENA_INIT;
	size_t size;

	for (size = 0; size < 5000; size += 7) {
		unsigned char *p = arena_alloc(&a, size);
		size_t i;

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % (size % 16 ? size & -size : 16), 0);
		for (i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_fini(&a);
	assert_null(a.chunks);
}

static void arena_keeps_room_behind_large_ones(void **state ATTR_UNUSED)
{
	struct arena a = ARENA_INIT;
	char *small = arena_alloc(&a, 16), *next;
	size_t before;

	arena_alloc(&a, 3 << 20);
	arena_strdup(&a, "odd");
	before = arena_size(&a);
	next = arena_alloc(&a, 16);
	assert_ptr_equal(next, small + 32);
	assert_int_equal(arena_size(&a), before);
	arena_fini(&a);
}

static void arena_copies_strings(void **state ATTR_UNUSED)
{
	struct arena a = ARENA_INIT;

	assert_string_equal(arena_strdup(&a, "hello"), "hello");
	assert_string_equal(arena_strndup(&a, "hello", 3), "hel");
	assert_string_equal(arena_strndup(&a, "", 0), "");
	assert_null(arena_strndup(&a, "x", SIZE_MAX));
	arena_fini(&a);
}

static void arena_grows_arrays(void **state ATTR_UNUSED)
{
	struct arena a = ARENA_INIT;
	size_t n, copies = 0;
	int *array = NULL;

	for (n = 0; n < 1000; n++) {
		int *larger = arena_grow(&a, array, n, sizeof(*array));

		if (!larger) {
			fail_msg("no memory");
			break;
		}
		copies += larger != array;
		array = larger;
		array[n] = (int)n;
	}
	for (n = 0; array && n < 1000; n++)
		assert_int_equal(array[n], n);
	assert_in_range(copies, 8, 10);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_grows),
		cmocka_unit_test(failure_is_sticky),
		cmocka_unit_test(take_hands_over),
		cmocka_unit_test(arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(arena_keeps_room_behind_large_ones),
		cmocka_unit_test(arena_copies_strings),
		cmocka_unit_test(arena_grows_arrays),
	};

	return cmocka_run_group_tests_name("buf, arena", tests, NULL, NULL);
}
