/* Prints the files that its arguments name; ends with status 1 where one cannot be read. */
#include <stdio.h>

int main(int count, char **names) {
  char buffer[65536];
  for (int index = 1; index < count; index++) {
    FILE *file = fopen(names[index], "rb");
    if (!file) {
      perror(names[index]);
      return 1;
    }
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0;) fwrite(buffer, 1, got, stdout);
    fclose(file);
  }
  return 0;
}
