/* A boot loader that is touched makes way for the maker's own. */
#include "chip.h"
#include "usb.h"

void usb_touch(void)
{
    chip_sent();
    chip_maker_loader();
}
