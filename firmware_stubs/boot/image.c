#include "image.h"
#include "board.h"

static const struct image_header *in_flash(void)
{
    return (const struct image_header *)(const void *)board_flash(APP_OFFSET);
}

static int32_t same(const char *a, const char *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (a[i] != b[i])
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

enum wire_status image_check(void)
{
    const struct image_header *h = in_flash();
    const enum wire_status status = image_check_header(h);
    if (status != STATUS_OK)
        return status;
    const uint8_t *payload = (const uint8_t *)h + sizeof *h;
    return wire_crc32(0, payload, (int32_t)h->payload_bytes) == h->payload_crc32 ? STATUS_OK : STATUS_BAD_IMAGE;
}

int32_t image_state(void)
{
    if (image_check() == STATUS_OK)
        return IMAGE_GOOD;
    const uint8_t *bytes = board_flash(APP_OFFSET);
    for (int32_t i = 0; i < PAGE_BYTES; i++)
        if (bytes[i] != 0xFF)
            return IMAGE_BAD;
    return IMAGE_NONE;
}
