// What a job has seen, one JSON line each: the test compares it with what it must be.
exports.report = (event, value) => console.log(JSON.stringify([event, value]))

/** The next event of an emitter that satisfies a condition. */
exports.next = (emitter, event, wanted = () => true) =>
  new Promise((resolve) => {
    const listener = (...args) => {
      if (!wanted(...args)) return
      emitter.off(event, listener)
      resolve(args)
    }
    emitter.on(event, listener)
  })
