/* test_consensus.c: who has the majority, and who is of another opinion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/model/consensus.h"

/* A letter a server: what it said. '-' nothing that is fresh, '?' not asked yet, '*' two
 * things at once. Words: u unknown, s same, S stale. */
static const struct {
	const char *said, *words;
	char majority; /* 0 = none */
	uint32_t heard, agree;
} cases[] = {
	{ "", "", 0, 0, 0 },
	{ "a", "u", 'a', 1, 1 },
	{ "ab", "uu", 0, 2, 0 },
	{ "aa", "uu", 'a', 2, 2 },
	{ "aaa", "sss", 'a', 3, 3 },
	{ "aab", "ssS", 'a', 3, 2 },
	{ "aba", "sSs", 'a', 3, 2 },
	{ "baa", "Sss", 'a', 3, 2 },
	/* nobody has more than half: nobody is stale */
	{ "abc", "sss", 0, 3, 0 },
	{ "aabb", "ssss", 0, 4, 0 },
	{ "abab", "ssss", 0, 4, 0 },
	{ "aabc", "ssss", 0, 4, 0 },
	{ "aaab", "sssS", 'a', 4, 3 },
	{ "bcaaa", "SSsss", 'a', 5, 3 },
	{ "abaca", "sSsSs", 'a', 5, 3 },
	{ "aaabbb", "ssssss", 0, 6, 0 },
	{ "aaabbbb", "SSSssss", 'b', 7, 4 },
	/* in a deploy the new content is the minority at first, and then no more */
	{ "ooooN", "ssssS", 'o', 5, 4 },
	{ "oooNN", "sssSS", 'o', 5, 3 },
	{ "ooNNN", "SSsss", 'N', 5, 3 },
	/* who is not heard counts for nobody */
	{ "aab-", "ssSu", 'a', 3, 2 },
	{ "aa--", "uuuu", 'a', 2, 2 },
	{ "ab---", "uuuuu", 0, 2, 0 },
	{ "-a-a-b-", "ususuSu", 'a', 3, 2 },
	/* before all were asked nobody is judged */
	{ "aab?", "uuuu", 'a', 3, 2 },
	{ "aaab?", "uuuuu", 'a', 4, 3 },
	/* who says two things is heard, and agrees with nobody, not even his like */
	{ "aa*", "ssS", 'a', 3, 2 },
	{ "*aa", "Sss", 'a', 3, 2 },
	{ "a**", "sss", 0, 3, 0 },
	{ "***", "sss", 0, 3, 0 },
	{ "**aaa", "SSsss", 'a', 5, 3 },
};

static struct consensus_voice voice(char said)
{
	struct consensus_voice v = { .awaited = said == '?' };

	if (said == '*') {
		consensus_hear(&v, 'a', 0, 10);
		consensus_hear(&v, 'b', 0, 10);
	} else if (said != '-' && said != '?') {
		consensus_hear(&v, (uint64_t)said, 0, 10);
	}
	return v;
}

static void test_words(void **state ATTR_UNUSED)
{
	static const char words[] = {
		[CONSENSUS_UNKNOWN] = 'u', [CONSENSUS_SAME] = 's', [CONSENSUS_STALE] = 'S'
	};
	struct consensus_voice voices[8];
	struct consensus c;
	char got[9];
	size_t i, k, n;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		n = strlen(cases[i].said);
		for (k = 0; k < n; k++)
			voices[k] = voice(cases[i].said[k]);
		memset(&c, 0xff, sizeof(c));
		consensus_count(voices, (uint32_t)n, &c);
		memset(got, 0, sizeof(got));
		for (k = 0; k < n; k++)
			got[k] = words[consensus_judge(&c, &voices[k])];
		if (strcmp(got, cases[i].words) != 0)
			print_error("%s\n", cases[i].said);
		assert_string_equal(got, cases[i].words);
		assert_int_equal(c.digest, cases[i].majority);
		assert_int_equal(c.heard, cases[i].heard);
		assert_int_equal(c.agree, cases[i].agree);
		assert_int_equal(c.awaited, strchr(cases[i].said, '?') ? 1 : 0);
	}
}

static void test_ages(void **state ATTR_UNUSED)
{
	struct consensus_voice v = { 0 };

	consensus_hear(&v, 0, 0, 10);
	assert_int_equal(v.digest, 0);
	consensus_hear(&v, 7, 11, 10);
	assert_int_equal(v.digest, 0);
	consensus_hear(&v, 7, 10, 10);
	assert_int_equal(v.digest, 7);
	/* another address says the same, says nothing, or said something else long ago */
	consensus_hear(&v, 7, 0, 10);
	consensus_hear(&v, 0, 0, 10);
	consensus_hear(&v, 8, 11, 10);
	assert_int_equal(v.digest, 7);
	assert_false(v.split);
	consensus_hear(&v, 8, 10, 10);
	assert_true(v.split);
	consensus_hear(&v, 8, 10, 10);
	assert_true(v.split);
}

/* Whoever is called stale is in the minority, against a count of every kind. */
static void test_any(void **state ATTR_UNUSED)
{
	struct consensus_voice voices[9];
	struct consensus c;
	uint32_t round, n, i, k;
	uint64_t x = 1;

	for (round = 0; round < 20000; round++) {
		n = round % 10;
		for (i = 0; i < n; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			voices[i] = voice("aaabbc-*"[x >> 61]);
		}
		consensus_count(voices, n, &c);
		for (i = 0; i < n; i++) {
			uint32_t like = 0, heard = 0, best = 0;

			for (k = 0; k < n; k++) {
				uint32_t same = 0, j;

				heard += voices[k].digest != 0;
				for (j = 0; j < n && voices[k].digest && !voices[k].split; j++)
					same += voices[j].digest == voices[k].digest &&
						!voices[j].split;
				best = same > best ? same : best;
				like = k == i ? same : like;
			}
			assert_int_equal(consensus_judge(&c, &voices[i]),
					 !voices[i].digest || heard < CONSENSUS_MIN
						 ? CONSENSUS_UNKNOWN
					 : 2 * best > heard && like != best ? CONSENSUS_STALE
									    : CONSENSUS_SAME);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests_name("consensus", tests, NULL, NULL);
}
