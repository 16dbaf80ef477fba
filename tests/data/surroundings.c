/* Prints its arguments, then its variables, a line each. */
#include <stdio.h>

extern char **environ;

int main(int count, char **words) {
  for (int index = 0; index < count; index++) printf("[%s]\n", words[index]);
  for (char **each = environ; each && *each; each++) puts(*each);
  return 0;
}
