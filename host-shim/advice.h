/* What an operator of hvd can do about a failure: in its options, which the driver does not know. */
#pragma once

#include "hvd-driver.h"

G_BEGIN_DECLS

/* (nullable): for a code; not translated yet. @given: (nullable): the driver's own, which stays
 * where it knows more. */
const char *advice_find(int code, const char *given);

G_END_DECLS
