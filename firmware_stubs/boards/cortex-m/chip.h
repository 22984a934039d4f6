/* What a family of chips must bring; board.c makes a board (runtime/board.h) of it.
   No interrupt is ever served: received bytes land in a ring by DMA, time is a counter, SysTick only ends a WFI. */
#pragma once
#include <stdint.h>

enum { LINK_RING = 4096, LINK_BLOCK = 256, TICKS_PER_S = 1000 };

/* Clocks, pins, the counter of microseconds, the link. Called once, first of all, by the boot loader and again by the
   app, which finds the clocks as the boot loader left them. */
void chip_start(void);
/* The link alone: by a chip's UART, or by usb/link.c for a board whose link is USB. */
void chip_link_start(void);
/* A counter of microseconds that goes round at 2^32. */
uint32_t chip_time_us(void);
/* A UART brings these four, and cortex-m/link.c makes a link of them. */
/* Where in `chip_ring` the next received byte will land, 0 to LINK_RING - 1. */
uint32_t chip_received(void);
extern uint8_t chip_ring[LINK_RING];
/* 1 when the last block has left memory; chip_send takes one block of at most LINK_BLOCK bytes, which stay put. */
int32_t chip_can_send(void);
void chip_send(const uint8_t *bytes, int32_t n);
/* Any link: wait until the last bit is on the wire. */
void chip_sent(void);
/* A word that outlives a restart, but not the loss of power. */
uint32_t chip_note(void);
void chip_set_note(uint32_t note);
void chip_reset(void);
/* Restart in the boot loader that the maker has put there. Only boards with a link by USB need it. */
void chip_maker_loader(void);
