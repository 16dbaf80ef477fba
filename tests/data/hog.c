/* Takes memory, 1 MiB at a time, until it is refused, tells how much it had, and ends with status 1. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  int taken = 0;
  for (volatile char *piece; (piece = malloc(1 << 20)); taken++) *piece = 1; /* volatile: or clang leaves it out */
  printf("%d MiB\n", taken);
  return 1;
}
