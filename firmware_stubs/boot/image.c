#include "image.h"
#include "board.h"

struct slot slots[SLOTS];

uint32_t slot_offset(int32_t slot) { return APP_OFFSET + (uint32_t)slot * SLOT_BYTES; }

const struct image_header *slot_header(int32_t slot)
{
    return (const struct image_header *)(const void *)board_flash(slot_offset(slot));
}

static uint32_t mark_offset(int32_t slot, enum image_mark mark)
{
    return slot_offset(slot) + SLOT_BYTES - (uint32_t)(MARKS - mark) * MARK_BYTES;
}

static int32_t same(const char *a, const char *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static int32_t blank(uint32_t offset, int32_t n)
{
    const uint8_t *bytes = board_flash(offset);
    for (int32_t i = 0; i < n; i++)
        if (bytes[i] != 0xFF)
            return 0;
    return 1;
}

enum wire_status image_check_header(const struct image_header *h)
{
    static const char board[sizeof h->board] = BOARD_ID;
    const int32_t covered = sizeof *h - sizeof h->crc32;
    if (!same(h->magic, "SSM1", 4) || h->header_bytes != sizeof *h || h->format != IMAGE_FORMAT)
        return STATUS_BAD_IMAGE;
    if (h->payload_bytes > APP_BYTES - sizeof *h || wire_crc32(0, (const uint8_t *)h, covered) != h->crc32)
        return STATUS_BAD_IMAGE;
    return same(h->board, board, sizeof board) ? STATUS_OK : STATUS_OTHER_BOARD;
}

/* Whether the image in this slot leaves the marks, and the other slot, alone. */
static int32_t fits(const struct image_header *h)
{
    return sizeof *h + h->payload_bytes <= SLOT_BYTES - MARKS * MARK_BYTES;
}

static enum wire_status check(int32_t slot)
{
    const struct image_header *h = slot_header(slot);
    const enum wire_status status = image_check_header(h);
    if (status != STATUS_OK)
        return status;
    if (slot > 0 && !fits(h))
        return STATUS_BAD_IMAGE;
    const uint8_t *payload = (const uint8_t *)h + sizeof *h;
    return wire_crc32(0, payload, (int32_t)h->payload_bytes) == h->payload_crc32 ? STATUS_OK : STATUS_BAD_IMAGE;
}

static int32_t marks_of(int32_t slot)
{
    int32_t found = 0;
    for (int32_t mark = 0; mark < MARKS; mark++)
        if (!blank(mark_offset(slot, (enum image_mark)mark), MARK_BYTES))
            found |= 1 << mark;
    return found;
}

void slots_look(void)
{
    for (int32_t slot = 0; slot < SLOTS; slot++) {
        slots[slot].status = check(slot);
        slots[slot].marks = marks_of(slot);
    }
    if (slots[0].status == STATUS_OK && !fits(slot_header(0)))
        slots[0].marks = 0; /* it lies where the marks would be */
}

static int32_t startable(int32_t slot) { return slots[slot].status == STATUS_OK; }

static int32_t rejected(int32_t slot) { return slots[slot].marks >> MARK_REJECTED & 1; }

int32_t slots_choice(void)
{
    if (!startable(0) || !startable(1))
        return startable(0) ? 0 : startable(1) ? 1 : -1;
    if (rejected(0) != rejected(1))
        return rejected(0);
    return slot_header(1)->counter > slot_header(0)->counter;
}

int32_t slots_other(int32_t slot) { return slot >= 0 && startable(!slot) && !rejected(!slot) ? !slot : -1; }

void slots_mark(int32_t slot, enum image_mark mark)
{
    static const _Alignas(8) uint8_t zeros[MARK_BYTES];
    if (slots[slot].marks >> mark & 1 || !fits(slot_header(slot)))
        return;
    board_flash_write(mark_offset(slot, mark), zeros, MARK_BYTES);
    slots[slot].marks |= 1 << mark;
}

int32_t slots_start(void)
{
    const int32_t slot = slots_choice(), other = slots_other(slot);
    if (other < 0 || slots[slot].marks >> MARK_CONFIRMED & 1)
        return slot;
    if (slots[slot].marks >> MARK_TRIED & 1) {
        slots_mark(slot, MARK_REJECTED);
        return other;
    }
    slots_mark(slot, MARK_TRIED);
    return slot;
}

int32_t image_state(void)
{
    if (slots_choice() >= 0)
        return IMAGE_GOOD;
    return blank(slot_offset(0), PAGE_BYTES) && blank(slot_offset(1), PAGE_BYTES) ? IMAGE_NONE : IMAGE_BAD;
}
