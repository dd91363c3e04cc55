/* One element of a tensor, from either form of its data; private to the files of tensor.
 */
#ifndef API_TENSOR_ELEMENT_H
#define API_TENSOR_ELEMENT_H

#include "api/tensor.h"

#define TENSOR_OUTSIDE "a number outside float32 (at most 3.4028235e38 in magnitude)"

struct tensor_element {
    struct cell cell;
    float rounded; /* CELL_NUMBER, CELL_BOOLEAN: rounded to float32 once */
};

/* Element i at cells->at, which moves behind it; the texts are cells' own or the data's.
 * The errors of tensor_cells_next, and ERR_RANGE for an infinity. */
bool tensor_element_next(struct tensor_cells *cells, struct tensor_element *element,
                         struct err *e) __attribute__((warn_unused_result));

#endif
