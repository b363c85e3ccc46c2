// What a step of search computes, for one instruction set: AVX-512 with products of bytes (VNNI), and AMX or without;
// AVX2, with VNNI or without; NEON, with dot products or without. The results are the same to the last bit.
//
// Matrices lie row by row, without gaps. Nothing is kept between calls, so threads and forks need no care.
// Dims: n rows of one step, k of a sentence side by side, in and out features, h hidden units, s source tokens, a heads,
// d features of a query and m of a value of one head, b sentences.

#define SAME_EVERYWHERE
#include "vectors.h"
#include "dots.h"
#include "product.h"
#include "rows.h"
#define NAME(name) name##_float
#define narrow float
#include "forward.h"
#include "layer.h"
#include "matrix_memory.h"
#include "attention.h"
#include "beam.h"
