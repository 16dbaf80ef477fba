/* Writes its second argument to the file that its first one names, the fourth to the third, and so on. */
#include <stdio.h>

int main(int count, char **words) {
  for (int index = 1; index + 1 < count; index += 2) {
    FILE *file = fopen(words[index], "w");
    if (!file || fputs(words[index + 1], file) < 0 || fclose(file)) {
      perror(words[index]);
      return 1;
    }
  }
  return 0;
}
