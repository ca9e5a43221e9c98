// Prints the results of a job, one JSON line each. The test compares them with the expected ones.
exports.report = (event, value) => console.log(JSON.stringify([event, value]))

/** Resolves with the next event of an emitter that satisfies a condition. */
exports.next = (emitter, event, wanted = () => true) =>
  new Promise((resolve) => {
    const listener = (...args) => {
      if (!wanted(...args)) return
      emitter.off(event, listener)
      resolve(args)
    }
    emitter.on(event, listener)
  })
