// What takes most of training's time beside products, for each width of their results.
#include "vectors.h"
#include "rows.h"

#define JOIN(a, b) a##_##b
#define NAMED(a, b) JOIN(a, b)
#define NAME(name) NAMED(name, narrow)

#define narrow float
#define Scores Scores_float
#define Logits Logits_float
#include "forward.h"
#include "cells.h"
#include "scores.h"
#include "cross_entropy.h"
#undef narrow
#undef Scores
#undef Logits
#define SECOND_TIME
#define narrow bfloat16
#include "forward.h"
#include "cells.h"
#include "scores.h"
#include "cross_entropy.h"
