// A step of every cell, forward and backward (nmt/kernels/)
#include "vectors.h"
#include "rows.h"

#define JOIN(a, b) a##_##b
#define NAMED(a, b) JOIN(a, b)
#define NAME(name) NAMED(name, narrow)

#define narrow float
#include "cells.h"
#undef narrow
#define SECOND_TIME
#define narrow bfloat16
#include "cells.h"
