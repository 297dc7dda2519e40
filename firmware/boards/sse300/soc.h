/*
 * Arm MPS3 with the FPGA image AN547 (Cortex-M55, SSE-300; application note DAI0547, chapter 4), secure addresses: the
 * core starts secure, and with the SAU off everything stays so.
 */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#define SOC_CLOCK_HZ 32000000U
#define SOC_CMSDK_HZ 25000000U /* peripherals of the FPGA have a clock of their own */
#define SOC_CMSDK_UART 0x59303000U
#define SOC_CMSDK_WATCHDOG 0x5802E000U
#define SOC_CMSDK_WATCHDOG_HZ 32768U
#define SOC_SSE_COUNTER_CONTROL 0x58100000U
#define SOC_SSE_COUNTER_STATUS 0x58101000U

#endif
