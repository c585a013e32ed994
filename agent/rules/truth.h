/* truth.h: what an expression says of a realserver at one moment. */
#ifndef RULES_TRUTH_H
#define RULES_TRUTH_H

enum truth { TRUTH_NO_DATA = 0, TRUTH_FALSE, TRUTH_TRUE };

#endif
