/* All of this module is in its header; SwiftPM wants one translation unit. */
#include "CReactor.h"
