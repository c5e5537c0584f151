/* The codec half of hiredis: the reply reader and the command formatter. Written to the 0.14 API that Debian 12 ships. */
#ifndef PERSEID_CHIREDIS_SHIM_H
#define PERSEID_CHIREDIS_SHIM_H

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#endif
