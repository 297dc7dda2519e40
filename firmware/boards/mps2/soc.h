/* Arm MPS2 with the FPGA images AN385 (Cortex-M3), AN386 (M4) and AN500 (M7); memory map in each application note. */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#define SOC_CLOCK_HZ 25000000U
#define SOC_CMSDK_HZ 25000000U
#define SOC_CMSDK_TIMER 0x40000000U
#define SOC_CMSDK_UART 0x40004000U
#define SOC_CMSDK_WATCHDOG 0x40008000U
#define SOC_CMSDK_WATCHDOG_HZ SOC_CMSDK_HZ

#endif
