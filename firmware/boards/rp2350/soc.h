/* RP2350: where the peripherals are that more than one file uses (RP2350 Datasheet, section 2.2). */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#include <stdbool.h>
#include <stdint.h>

/* Takes peripherals out of reset, by their bits in RESETS (section 7.5.3); false if they do not come. */
bool rp2350_start(uint32_t peripherals);

/* Clock of the serial ports. */
uint32_t rp2350_peripheral_hz(void);

#endif
