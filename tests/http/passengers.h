/* A model of columns of every kind, trained from a dataset. */
#ifndef TESTS_HTTP_PASSENGERS_H
#define TESTS_HTTP_PASSENGERS_H

#include "tests/http/client.h"

/* Trains `passengers`: class (first, third), sex (female, male) and age, which is missing
 * here and there; women and first-class ones survive (no, yes). */
bool passengers_train(struct client *client);

#endif
