/** Runs in the page. Returns what a reader would see: the charts, the colours, and what is cut, covered or outside the screen. */
function inspectPage() {
  const faults = []
  const isInside = (box, frame) =>
    box.left >= frame.left - 1 &&
    box.right <= frame.right + 1 &&
    box.top >= frame.top - 1 &&
    box.bottom <= frame.bottom + 1
  const screen = { left: 0, right: innerWidth, top: 0, bottom: Number.POSITIVE_INFINITY }
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect()
    const scrolls = element.closest('.figures, pre') !== null
    if (box.width > 0 && !scrolls && !isInside(box, screen)) {
      faults.push(`outside: <${element.localName}> ${element.textContent.trim().slice(0, 40)}`)
    }
  }
  const charts = {}
  for (const svg of document.querySelectorAll('figure svg')) {
    const frame = svg.getBoundingClientRect()
    if (frame.width === 0) continue
    const texts = [...svg.querySelectorAll('text')]
      .map((one) => ({ text: one.textContent.trim(), box: one.getBoundingClientRect() }))
      .filter(({ text, box }) => text !== '' && box.width > 0)
    for (const [index, { text, box }] of texts.entries()) {
      if (!isInside(box, frame)) faults.push(`cut: ${text}`)
      for (const other of texts.slice(index + 1)) {
        const width = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left)
        const height = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top)
        if (width > 1 && height > 3) faults.push(`${text} lies over ${other.text}`)
      }
    }
    const marks = [...svg.querySelectorAll('circle, rect, path')].map((one) => one.getBoundingClientRect())
    charts[svg.closest('figure').id] = marks.filter((box) => box.width > 0 && isInside(box, frame)).length
  }
  const { color, backgroundColor } = getComputedStyle(document.body)
  const brightness = (text) => Number(/\d+/.exec(text)[0])
  const height = document.documentElement.scrollHeight
  return { faults, charts, height, ink: brightness(color), paper: brightness(backgroundColor) }
}

inspectPage()
