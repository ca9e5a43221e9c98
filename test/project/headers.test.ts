import t from 'tap'
import { claims, compare, findCompiler, NOT_IN_C } from '../../scripts/check-headers.js'
import * as constants from '../../src/libc/constants.js'
import { structs } from '../../src/libc/structs.js'

const compiler = findCompiler()

if (compiler === undefined) t.plan(0, 'there is no C compiler (cc, gcc, clang) on the PATH')
else {
  t.test('constants, sizes and offsets are those of the C headers', async (t) => {
    const findings = compare(claims(), compiler)
    for (const { name, expression, value, actual } of findings) t.equal(value, actual, `${name} is ${expression}`)
  })

  t.test('every constant, and every member of every structure, is compared', async (t) => {
    const names = claims().map(({ name }) => name)
    const members = Object.entries(structs()).flatMap(([name, layout]) =>
      typeof layout === 'number' ? [name] : Object.keys(layout).map((member) => `${name}.${member}`),
    )
    t.strictSame([...names, ...Object.keys(NOT_IN_C)].sort(), [...Object.keys(constants), ...members].sort())
  })

  t.test('a wrong value and an unknown name are found', async (t) => {
    const wrong = [
      { name: 'AF_INET', expression: 'AF_INET', value: 3 },
      { name: 'SO_NO_SUCH_THING', expression: 'SO_NO_SUCH_THING', value: 1 },
      { name: 'iovec.length', expression: 'offsetof(struct iovec, no_such_member)', value: 8 },
      { name: 'EAGAIN', expression: 'EAGAIN', value: 11 },
    ]
    const actual = compare(wrong, compiler).map((finding) => finding.actual)
    t.strictSame(actual, [2, undefined, undefined, 11])
  })
}
