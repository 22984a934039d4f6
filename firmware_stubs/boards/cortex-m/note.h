/* What is written into RAM and into the chip's note. */
#pragma once

#define PAINT 0x5AFE5AFEu
#define NOTE_STAY 0xB7u /* one byte: some chips keep no more */
