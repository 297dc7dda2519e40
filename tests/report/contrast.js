// Texts whose contrast with what lies below them is less than 4.5 (WCAG 2.2, success criterion 1.4.3, level AA).
() => {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const over = ([red, green, blue, opacity = 1], below) =>
    [red, green, blue].map((value, index) => value * opacity + below[index] * (1 - opacity));
  const linear = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const ground = (element) => {
    const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    return over(channels(getComputedStyle(element).backgroundColor), below);
  };
  const weak = new Set();
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!hasText || element.closest("svg")) continue;
    const below = ground(element);
    const text = over(channels(getComputedStyle(element).color), below);
    const [darker, lighter] = [luminance(text), luminance(below)].sort((one, other) => one - other);
    const ratio = (lighter + 0.05) / (darker + 0.05);
    if (ratio < 4.5) weak.add(`${element.tagName}.${element.className}: ${text} on ${below} is ${ratio.toFixed(2)}`);
  }
  return [...weak];
};
