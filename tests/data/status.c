/* Ends with the status that its argument says; without one it returns. */
#include <stdlib.h>

int main(int count, char **words) {
  if (count > 1) exit(atoi(words[1]));
  return 0;
}
