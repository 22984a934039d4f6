/* An app that is touched makes way for the boot loader. */
#include "board.h"
#include "usb.h"

void usb_touch(void)
{
    board_restart(1);
}
