/*
 * USART of the STM32 (RM0390 section 25; RM0385 section 31 and RM0433 section 48 for the newer one of the F7 and H7,
 * SOC_USART_2, which has other register addresses and the same bits).
 */
#include "sixfold/uart.h"
#include "soc.h"
#include "stm32.h"
#include "uart_port.h"

#ifdef SOC_USART_2
typedef struct {
    volatile uint32_t control_1, control_2, control_3, baud, guard, timeout, request;
    volatile const uint32_t status;
    volatile uint32_t clear;
    volatile const uint32_t receive;
    volatile uint32_t send;
} stm32_usart;
enum { CONTROL_ENABLE = 1U << 0 };
#else
typedef struct {
    volatile const uint32_t status;
    volatile uint32_t data, baud, control_1;
} stm32_usart;
enum { CONTROL_ENABLE = 1U << 13 };
#endif

enum {
    CONTROL_RECEIVE = 1U << 2,
    CONTROL_SEND = 1U << 3,
    STATUS_OVERRUN = 1U << 3,
    STATUS_RECEIVED = 1U << 5,
    STATUS_SENT = 1U << 6, /* the last byte has left */
    STATUS_ROOM = 1U << 7,
};

/* GPIO: two bits of mode and pull per pin, four of the alternate function. */
enum { GPIO_MODE = 0x00, GPIO_PULL = 0x0C, GPIO_FUNCTION = 0x20, MODE_ALTERNATE = 2, PULL_UP = 1 };

/* Where each USART is and what enables its clock: on APB2 or on APB1. */
static const struct {
    uint32_t address;
    uint32_t apb2_enable, apb1_enable;
} USARTS[] = {
    {0x40011000U, 1U << 4, 0}, {0x40004400U, 0, 1U << 17}, {0x40004800U, 0, 1U << 18},
    {0x40004C00U, 0, 1U << 19}, {0x40005000U, 0, 1U << 20}, {0x40011400U, 1U << 5, 0},
};
_Static_assert(BOARD_UART >= 1 && BOARD_UART <= 6, "board.uart.port: usart1..usart3, uart4, uart5 or usart6");

enum { INDEX = BOARD_UART - 1, ALTERNATE_FUNCTION = BOARD_UART <= 3 ? 7 : 8 };

static stm32_usart *usart(void)
{
    return (stm32_usart *)USARTS[INDEX].address;
}

static void set_field(uint32_t address, uint32_t position, uint32_t mask, uint32_t value)
{
    volatile uint32_t *target = stm32_register(address);
    *target = (*target & ~(mask << position)) | (value << position);
}

static void connect_pin(uint32_t port_and_pin)
{
    const uint32_t port = port_and_pin / 16U, pin = port_and_pin % 16U;
    const uint32_t gpio = SOC_GPIO + 0x400U * port;
    stm32_enable(SOC_RCC_GPIO_ENABLE, 1U << port);
    set_field(gpio + GPIO_FUNCTION + 4U * (pin / 8U), 4U * (pin % 8U), 15U, ALTERNATE_FUNCTION);
    set_field(gpio + GPIO_PULL, 2U * pin, 3U, PULL_UP); /* an open line reads as idle */
    set_field(gpio + GPIO_MODE, 2U * pin, 3U, MODE_ALTERNATE);
}

void uart_port_init(void)
{
    const bool on_apb2 = USARTS[INDEX].apb2_enable != 0U;
    const uint32_t hz = on_apb2 ? stm32_apb2_hz() : stm32_apb1_hz();
    connect_pin(BOARD_UART_TX);
    connect_pin(BOARD_UART_RX);
    stm32_enable(SOC_RCC_APB2_ENABLE, USARTS[INDEX].apb2_enable);
    stm32_enable(SOC_RCC_APB1_ENABLE, USARTS[INDEX].apb1_enable);
    usart()->control_1 = 0;
    usart()->baud = (hz + SIXFOLD_UART_BAUD / 2U) / SIXFOLD_UART_BAUD;
    usart()->control_1 = CONTROL_ENABLE | CONTROL_SEND | CONTROL_RECEIVE;
}

bool uart_port_receive(uint8_t *byte)
{
    const uint32_t status = usart()->status;
#ifdef SOC_USART_2
    if ((status & STATUS_OVERRUN) != 0U) {
        usart()->clear = STATUS_OVERRUN;
    }
    if ((status & STATUS_RECEIVED) == 0U) {
        return false;
    }
    *byte = (uint8_t)usart()->receive;
#else
    if ((status & (STATUS_RECEIVED | STATUS_OVERRUN)) == 0U) {
        return false;
    }
    *byte = (uint8_t)usart()->data; /* reading status and then data also clears the overrun */
#endif
    return true;
}

bool uart_port_send(uint8_t byte)
{
    if ((usart()->status & STATUS_ROOM) == 0U) {
        return false;
    }
#ifdef SOC_USART_2
    usart()->send = byte;
#else
    usart()->data = byte;
#endif
    return true;
}

bool uart_port_idle(void)
{
    return (usart()->status & STATUS_SENT) != 0U;
}
