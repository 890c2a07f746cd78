/* The states of instances in words. */
#pragma once

#include "table.h"

G_BEGIN_DECLS

/* "stopped" for "shutdown"; what is not known stays as it is. @style: (nullable) (out): left alone then */
const char *state_get_word(const char *state, Style *style);

G_END_DECLS
