/* Ends with the status that a function of another module says. */
#include <stdlib.h>

__attribute__((import_module("lib/answer.wasm"), import_name("answer"))) int answer(void);

int main(void) { exit(answer()); }
