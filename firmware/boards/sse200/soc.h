/*
 * Arm MPS2 with the FPGA image AN505 (Cortex-M33, SSE-200; application note DAI0505, chapter 4), secure addresses: the
 * core starts secure, and with the SAU off everything stays so.
 */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#define SOC_CLOCK_HZ 20000000U
#define SOC_CMSDK_HZ 20000000U
#define SOC_CMSDK_TIMER 0x50000000U
#define SOC_CMSDK_UART 0x50200000U
#define SOC_CMSDK_WATCHDOG 0x50081000U
#define SOC_CMSDK_WATCHDOG_HZ SOC_CMSDK_HZ

#endif
