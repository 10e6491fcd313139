/* Which sources this library was built from. */
#include "radnb.h"

KERNEL const char *radnb_digest(void) { return RADNB_DIGEST; }
