/* What the other files of this chip bring to its start. */
#pragma once

void start_i2c(void);
void start_spi(void);
