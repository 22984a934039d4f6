#include "parameters.h"
#include "answer.h"
#include "board.h"
#include "firmware.h"
#include "image.h"
#include "model_parameters.h"

enum { ACCEPTED, DROPPED, BLOCK_MARKS };

static int32_t slot = -1; /* where this image lies */
static uint32_t first, each; /* the room's offset in the flash, the bytes for one block; `each` is 0 without room */
static int32_t used = BUILT_IN, trial;

static uint32_t up(uint32_t n)
{
    return (n + PAGE_BYTES - 1u) / PAGE_BYTES * PAGE_BYTES;
}

static int32_t same(const uint8_t *a, const uint8_t *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

/* The slot whose header names this build; of two the newer, as the boot loader chooses. */
static void find_slot(void)
{
    slot = -1;
    for (int32_t i = 0; i < SLOTS; i++) {
        const struct image_header *h = slot_header(i);
        const int32_t mine = image_check_header(h) == STATUS_OK &&
                             same(h->build_hash, firmware_hello + firmware_hello_build, sizeof h->build_hash);
        if (mine && (slot < 0 || h->counter > slot_header(slot)->counter))
            slot = i;
    }
}

/* Two blocks in whole pages between the image and the page with its marks. */
static void find_room(void)
{
    find_slot();
    each = 0;
    if (slot < 0)
        return;
    const uint32_t end = slot_offset(slot) + (SLOT_BYTES - MARKS * MARK_BYTES) / PAGE_BYTES * PAGE_BYTES;
    const uint32_t wanted = up(PARAMETER_HEAD + model_block_bytes);
    first = slot_offset(slot) + up(sizeof(struct image_header) + slot_header(slot)->payload_bytes);
    if (first + PARAMETER_BLOCKS * wanted <= end)
        each = wanted;
}

static uint32_t offset_of(int32_t which)
{
    return first + (uint32_t)which * each;
}

static const struct parameter_header *header_of(int32_t which)
{
    return (const struct parameter_header *)(const void *)board_flash(offset_of(which));
}

static const uint8_t *block_of(int32_t which)
{
    return board_flash(offset_of(which) + PARAMETER_HEAD);
}

static int32_t marked(int32_t which, int32_t mark)
{
    const uint8_t *at = board_flash(offset_of(which) + sizeof(struct parameter_header) + (uint32_t)mark * MARK_BYTES);
    for (int32_t i = 0; i < MARK_BYTES; i++)
        if (at[i] != 0xFF)
            return 1;
    return 0;
}

static void mark(int32_t which, int32_t mark)
{
    static const _Alignas(8) uint8_t zeros[MARK_BYTES];
    if (!marked(which, mark))
        board_flash_write(offset_of(which) + sizeof(struct parameter_header) + (uint32_t)mark * MARK_BYTES, zeros,
                          MARK_BYTES);
}

/* STATUS_OK, or why this block cannot be used. */
static enum wire_status check(int32_t which, const char **text)
{
    const struct parameter_header *h = header_of(which);
    const struct parameter_block *mine = model_built_in;
    const int32_t covered = sizeof *h - sizeof h->crc32;
    *text = "no whole parameters there";
    if (!same((const uint8_t *)h->magic, (const uint8_t *)"SPR1", 4) || h->header_bytes != sizeof *h)
        return STATUS_BAD_IMAGE;
    if (wire_crc32(0, (const uint8_t *)h, covered) != h->crc32)
        return STATUS_BAD_IMAGE;
    if (!same(h->schema, mine->schema, SCHEMA_BYTES) || h->block_bytes != model_block_bytes) {
        *text = "the parameters are laid out for another code";
        return STATUS_OTHER_BOARD;
    }
    if (h->image_counter != slot_header(slot)->counter)
        return STATUS_BAD_IMAGE;
    if (wire_crc32(0, block_of(which), (int32_t)h->block_bytes) != h->block_crc32 ||
        !same(block_of(which), mine->schema, SCHEMA_BYTES))
        return STATUS_BAD_IMAGE;
    *text = 0;
    return STATUS_OK;
}

static int32_t stays(int32_t which)
{
    const char *text;
    return each && check(which, &text) == STATUS_OK && marked(which, ACCEPTED) && !marked(which, DROPPED);
}

static void take(int32_t which)
{
    used = which;
    trial = 0;
    model_use(which == BUILT_IN ? (const void *)model_built_in : block_of(which));
    answer_clear();
}

/* The newest of the blocks that may stay. */
static int32_t newest(void)
{
    int32_t found = BUILT_IN;
    for (int32_t i = 0; i < PARAMETER_BLOCKS; i++)
        if (stays(i) && (found == BUILT_IN || header_of(i)->counter > header_of(found)->counter))
            found = i;
    return found;
}

void parameters_start(void)
{
    find_room();
    used = BUILT_IN;
    take(newest());
}

const uint8_t *parameters_build(void)
{
    return used == BUILT_IN ? 0 : header_of(used)->build_hash;
}

/* The block that may be written: the one that is not in use. */
static int32_t spare(void)
{
    return used == 0 ? 1 : 0;
}

static uint32_t next_counter(void)
{
    uint32_t most = 0;
    for (int32_t i = 0; i < PARAMETER_BLOCKS; i++)
        if (stays(i) && header_of(i)->counter > most)
            most = header_of(i)->counter;
    return most + 1;
}

static void put(struct cbor_out *out, uint64_t key, uint64_t value)
{
    cbor_uint(out, key);
    cbor_uint(out, value);
}

static void tell(struct cbor_out *out)
{
    const struct parameter_block *mine = model_built_in;
    cbor_head(out, CBOR_MAP, 9);
    cbor_uint(out, 0);
    cbor_head(out, CBOR_BYTES, SCHEMA_BYTES);
    cbor_raw(out, mine->schema, SCHEMA_BYTES);
    put(out, 1, model_block_bytes);
    put(out, 2, each ? offset_of(spare()) : 0);
    put(out, 3, each);
    put(out, 4, PAGE_BYTES);
    put(out, 5, slot < 0 ? 0 : slot_header(slot)->counter);
    put(out, 6, each ? next_counter() : 0);
    put(out, 7, used == BUILT_IN ? 0 : trial ? 2 : 1);
    cbor_uint(out, 8);
    cbor_head(out, CBOR_BYTES, 16);
    cbor_raw(out, firmware_hello + firmware_hello_build, 16);
}

static void refuse(struct parameter_answer *answer, enum wire_status status, const char *text)
{
    answer->status = status;
    answer->text = text;
}

static int32_t argument(const struct wire_packet *p, int64_t key, int64_t *value)
{
    struct cbor_in in;
    return cbor_find(p->payload, p->bytes, key, &in) && cbor_int(&in, value);
}

/* Whether the bytes lie in the block that may be written; what is on trial must be confirmed or dropped first. */
static int32_t writable(int64_t offset, int64_t n, struct parameter_answer *answer)
{
    const int64_t start = offset_of(spare());
    if (trial)
        refuse(answer, STATUS_BUSY, "parameters are on trial: confirm them or go back first");
    else if (!each || n <= 0 || n > (int64_t)each || offset < start || offset + n > start + (int64_t)each)
        refuse(answer, STATUS_NOT_ALLOWED, "outside the room for parameters");
    return answer->status == STATUS_OK;
}

static void erase(const struct wire_packet *p, struct parameter_answer *answer)
{
    int64_t offset, n;
    if (!argument(p, 1, &offset) || !argument(p, 2, &n) || offset % PAGE_BYTES)
        refuse(answer, STATUS_BAD_ARGUMENTS, "wants the offset of a page and a number of bytes");
    else if (writable(offset, n, answer))
        for (int64_t page = offset; page < offset + n; page += PAGE_BYTES)
            board_flash_erase((uint32_t)page);
}

/* Flash is written from whole words. */
static void put_down(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    _Alignas(8) uint8_t part[256];
    for (int32_t at = 0; at < n; at += (int32_t)sizeof part) {
        const int32_t now = n - at < (int32_t)sizeof part ? n - at : (int32_t)sizeof part;
        __builtin_memcpy(part, bytes + at, (uint32_t)now);
        board_flash_write(offset + (uint32_t)at, part, now);
    }
}

static void write(const struct wire_packet *p, struct parameter_answer *answer)
{
    struct cbor_in in;
    const uint8_t *bytes;
    int64_t offset;
    int32_t n;
    const int32_t read =
        argument(p, 1, &offset) && cbor_find(p->payload, p->bytes, 2, &in) && cbor_string(&in, CBOR_BYTES, &bytes, &n);
    if (!read || offset % 4 || n % 4) {
        refuse(answer, STATUS_BAD_ARGUMENTS, "wants an offset and bytes, whole words");
        return;
    }
    if (!writable(offset, n, answer))
        return;
    put_down((uint32_t)offset, bytes, n);
    if (!same(board_flash((uint32_t)offset), bytes, n))
        refuse(answer, STATUS_FLASH_FAILED, "the flash does not hold what was written");
}

static void crc(const struct wire_packet *p, struct parameter_answer *answer)
{
    int64_t offset, n;
    if (!argument(p, 1, &offset) || !argument(p, 2, &n))
        refuse(answer, STATUS_BAD_ARGUMENTS, "wants an offset and a number of bytes");
    else if (writable(offset, n, answer))
        cbor_uint(&answer->result, wire_crc32(0, board_flash((uint32_t)offset), (int32_t)n));
}

static void use(struct parameter_answer *answer)
{
    const int32_t which = spare();
    const char *text = "there is no room for parameters beside this image";
    const enum wire_status status = trial ? STATUS_BUSY : each ? check(which, &text) : STATUS_NOT_ALLOWED;
    if (status != STATUS_OK) {
        refuse(answer, status, trial ? "parameters are on trial: confirm them or go back first" : text);
        return;
    }
    take(which);
    trial = 1;
}

static void confirm(struct parameter_answer *answer)
{
    if (used == BUILT_IN) {
        refuse(answer, STATUS_BAD_IMAGE, "no parameters are on trial");
        return;
    }
    mark(used, ACCEPTED);
    trial = 0;
}

/* To what was before: the other block, or what the firmware brought along. */
static void go_back(struct parameter_answer *answer)
{
    if (used == BUILT_IN) {
        refuse(answer, STATUS_BAD_IMAGE, "the parameters are those of the image");
        return;
    }
    mark(used, DROPPED);
    take(newest());
}

int32_t parameters_obey(int64_t verb, const struct wire_packet *packet, struct parameter_answer *answer)
{
    answer->status = STATUS_OK;
    answer->text = 0;
    if (verb == VERB_PARAMETERS)
        tell(&answer->result);
    else if (verb == VERB_ERASE)
        erase(packet, answer);
    else if (verb == VERB_WRITE)
        write(packet, answer);
    else if (verb == VERB_CHECK)
        crc(packet, answer);
    else if (verb == VERB_USE)
        use(answer);
    else if (verb == VERB_CONFIRM)
        confirm(answer);
    else if (verb == VERB_REVERT)
        go_back(answer);
    else
        return 0;
    return 1;
}
