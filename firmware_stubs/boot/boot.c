/* The boot loader: takes an image over the same wire as everything else, and starts it only when it is whole.
   It never writes outside the app's area, so it cannot lose itself. */
#include "board.h"
#include "cbor.h"
#include "image.h"
#include "wire.h"

static struct wire_receiver receiver;
static int32_t start_wanted, restart_wanted;
static int32_t next_slot;

static void send(const struct wire_header *header, const void *payload, int32_t bytes)
{
    static uint8_t frame[WIRE_FRAME];
    const int32_t n = wire_encode(header, payload, bytes, frame);
    for (int32_t sent = 0; sent < n;) {
        sent += board_write(frame + sent, n - sent);
        if (sent < n)
            board_idle(1);
    }
}

static void put_pair(struct cbor_out *out, int32_t key, uint64_t value)
{
    cbor_uint(out, (uint64_t)key);
    cbor_uint(out, value);
}

static void put_slot(struct cbor_out *out, int32_t slot)
{
    const struct image_header *h = slot_header(slot);
    const int32_t sound = slots[slot].status == STATUS_OK;
    cbor_head(out, CBOR_MAP, 5);
    put_pair(out, 0, (uint64_t)sound);
    put_pair(out, 1, sound ? h->counter : 0);
    put_pair(out, 2, (uint64_t)slots[slot].marks);
    cbor_uint(out, 3);
    cbor_head(out, CBOR_BYTES, sound ? sizeof h->build_hash : 0);
    cbor_raw(out, h->build_hash, sound ? sizeof h->build_hash : 0);
    put_pair(out, 4, sound ? sizeof *h + h->payload_bytes : 0);
}

static void put_area(struct cbor_out *out)
{
    slots_look();
    const int32_t choice = slots_choice();
    cbor_head(out, CBOR_MAP, 7);
    put_pair(out, 0, APP_OFFSET);
    put_pair(out, 1, APP_BYTES);
    put_pair(out, 2, PAGE_BYTES);
    put_pair(out, 3, (uint64_t)image_state());
    put_pair(out, 4, SLOT_BYTES);
    put_pair(out, 5, (uint64_t)(choice < 0 ? SLOTS : choice));
    cbor_uint(out, 6);
    cbor_head(out, CBOR_ARRAY, SLOTS);
    for (int32_t slot = 0; slot < SLOTS; slot++)
        put_slot(out, slot);
}

static void hello(void)
{
    uint8_t bytes[256];
    struct cbor_out out = {bytes, sizeof bytes, 0};
    cbor_head(&out, CBOR_MAP, 9);
    put_pair(&out, 0, WIRE_PROTOCOL);
    cbor_uint(&out, 1);
    cbor_text(&out, BOARD_ID);
    cbor_uint(&out, 2);
    cbor_text(&out, "boot");
    put_pair(&out, 4, CLOCK_HZ);
    put_pair(&out, 5, WIRE_PAYLOAD);
    cbor_uint(&out, 6);
    cbor_head(&out, CBOR_ARRAY, 0);
    cbor_uint(&out, 7);
    cbor_null(&out);
    cbor_uint(&out, 8);
    cbor_text(&out, FIRMWARE_VERSION);
    cbor_uint(&out, 9);
    put_area(&out);
    send(&(struct wire_header){.type = WIRE_HELLO, .t_us = board_time_us()}, bytes, out.n);
}

static void reply(uint32_t seq, enum wire_status status, const char *text, const uint32_t *result)
{
    uint8_t bytes[128];
    struct cbor_out out = {bytes, sizeof bytes, 0};
    cbor_head(&out, CBOR_MAP, 1u + (text != 0) + (result != 0));
    put_pair(&out, 0, status);
    if (text) {
        cbor_uint(&out, 1);
        cbor_text(&out, text);
    }
    if (result)
        put_pair(&out, 2, *result);
    send(&(struct wire_header){.type = WIRE_REPLY, .seq = seq, .t_us = board_time_us()}, bytes, out.n);
}

static int32_t argument(const struct wire_packet *p, int64_t key, int64_t *value)
{
    struct cbor_in in;
    return cbor_find(p->payload, p->bytes, key, &in) && cbor_int(&in, value);
}

static int32_t inside_app(int64_t offset, int64_t n)
{
    return offset >= APP_OFFSET && n > 0 && n <= APP_BYTES && offset + n <= (int64_t)APP_OFFSET + APP_BYTES;
}

/* The area at arguments 1 and 2; 0 after having refused it. */
static int32_t area(const struct wire_packet *p, int64_t *offset, int64_t *n)
{
    if (!argument(p, 1, offset) || !argument(p, 2, n)) {
        reply(p->header.seq, STATUS_BAD_ARGUMENTS, "wants an offset and a number of bytes", 0);
        return 0;
    }
    if (!inside_app(*offset, *n)) {
        reply(p->header.seq, STATUS_NOT_ALLOWED, "outside the app's area", 0);
        return 0;
    }
    return 1;
}

static void erase(const struct wire_packet *p)
{
    int64_t offset, n;
    if (!area(p, &offset, &n))
        return;
    if (offset % PAGE_BYTES) {
        reply(p->header.seq, STATUS_BAD_ARGUMENTS, "the offset is not the start of a page", 0);
        return;
    }
    enum wire_status status = STATUS_OK;
    for (int64_t page = offset; page < offset + n; page += PAGE_BYTES) {
        board_flash_erase((uint32_t)page);
        const uint8_t *bytes = board_flash((uint32_t)page);
        for (int32_t i = 0; i < PAGE_BYTES; i++)
            if (bytes[i] != 0xFF)
                status = STATUS_FLASH_FAILED;
    }
    reply(p->header.seq, status, status ? "a page is not blank after erasing" : 0, 0);
}

/* A header for another board never reaches the flash. */
static int32_t foreign(int64_t offset, const uint8_t *bytes, int32_t n)
{
    return (offset == slot_offset(0) || offset == slot_offset(1)) && n >= (int32_t)sizeof(struct image_header) &&
           image_check_header((const struct image_header *)(const void *)bytes) == STATUS_OTHER_BOARD;
}

static void write_block(const struct wire_packet *p)
{
    static _Alignas(8) uint8_t block[WIRE_PAYLOAD];
    const uint32_t seq = p->header.seq;
    const uint8_t *bytes;
    struct cbor_in in;
    int64_t offset;
    int32_t n;
    const int32_t read = argument(p, 1, &offset) && cbor_find(p->payload, p->bytes, 2, &in) &&
                         cbor_string(&in, CBOR_BYTES, &bytes, &n);
    if (!read || offset % 4 || n % 4) {
        reply(seq, STATUS_BAD_ARGUMENTS, "wants an offset and bytes, whole words", 0);
        return;
    }
    if (!inside_app(offset, n)) {
        reply(seq, STATUS_NOT_ALLOWED, "outside the app's area", 0);
        return;
    }
    __builtin_memcpy(block, bytes, (uint32_t)n);
    if (foreign(offset, block, n)) {
        reply(seq, STATUS_OTHER_BOARD, "the image is for another board", 0);
        return;
    }
    board_flash_write((uint32_t)offset, block, n);
    const uint8_t *there = board_flash((uint32_t)offset);
    int32_t same = 1;
    for (int32_t i = 0; i < n; i++)
        same &= there[i] == block[i];
    reply(seq, same ? STATUS_OK : STATUS_FLASH_FAILED, same ? 0 : "the flash does not hold what was written", 0);
}

static void check(const struct wire_packet *p)
{
    int64_t offset, n;
    if (!area(p, &offset, &n))
        return;
    const uint32_t crc = wire_crc32(0, board_flash((uint32_t)offset), (int32_t)n);
    reply(p->header.seq, STATUS_OK, 0, &crc);
}

static void run(const struct wire_packet *p)
{
    int64_t wanted;
    slots_look();
    const int32_t choice = slots_choice();
    enum wire_status status = choice >= 0 ? STATUS_OK : slots[0].status;
    if (argument(p, 1, &wanted) && (wanted < 0 || wanted >= SLOTS || (choice != wanted && status == STATUS_OK)))
        status = STATUS_BAD_IMAGE;
    start_wanted = status == STATUS_OK;
    if (start_wanted)
        next_slot = slots_start();
    const char *text = status == STATUS_OTHER_BOARD ? "the image is for another board" : "no whole image in the flash";
    reply(p->header.seq, status, status ? text : 0, 0);
}

static void confirm(const struct wire_packet *p)
{
    slots_look();
    const int32_t slot = slots_choice();
    if (slot >= 0)
        slots_mark(slot, MARK_CONFIRMED);
    reply(p->header.seq, slot < 0 ? STATUS_BAD_IMAGE : STATUS_OK, slot < 0 ? "no whole image in the flash" : 0, 0);
}

/* Only where the image before is still there, so that the board never ends without one. */
static void revert(const struct wire_packet *p)
{
    slots_look();
    const int32_t slot = slots_choice(), other = slots_other(slot);
    if (other < 0) {
        reply(p->header.seq, STATUS_BAD_IMAGE, "the image before is not there any more", 0);
        return;
    }
    slots_mark(slot, MARK_REJECTED);
    reply(p->header.seq, STATUS_OK, 0, 0);
}

static void command(const struct wire_packet *p)
{
    int64_t verb = 0;
    argument(p, 0, &verb);
    if (verb == VERB_ERASE)
        erase(p);
    else if (verb == VERB_WRITE)
        write_block(p);
    else if (verb == VERB_CHECK)
        check(p);
    else if (verb == VERB_RUN)
        run(p);
    else if (verb == VERB_CONFIRM)
        confirm(p);
    else if (verb == VERB_REVERT)
        revert(p);
    else if (verb == VERB_BOOT || verb == VERB_RESTART) {
        reply(p->header.seq, STATUS_OK, 0, 0);
        restart_wanted = verb == VERB_RESTART;
    } else
        reply(p->header.seq, STATUS_UNKNOWN_VERB, "the boot loader does not know this verb", 0);
}

static void listen(void)
{
    uint8_t bytes[64];
    struct wire_packet packet;
    const int32_t n = board_read(bytes, sizeof bytes);
    for (int32_t i = 0; i < n; i++) {
        if (!wire_take(&receiver, bytes[i], &packet))
            continue;
        if (packet.header.type == WIRE_HELLO)
            hello();
        else if (packet.header.type == WIRE_COMMAND)
            command(&packet);
    }
    if (n == 0)
        board_idle(0);
}

int main(void)
{
    const int32_t stay = board_asked_to_stay();
    slots_look();
    if (!stay && slots_choice() >= 0) {
        board_start_app(slot_offset(slots_start()));
        return 0;
    }
    static const uint8_t zero;
    board_write(&zero, 1); /* ends what the program before may have left half said */
    hello();
    while (!start_wanted && !restart_wanted)
        listen();
    if (start_wanted)
        board_start_app(slot_offset(next_slot));
    else
        board_restart(0);
    return 0;
}
