import t from 'tap'
import { csv } from '../../../bench/report/document.js'

t.test('nested keys and lists are columns; what is unknown is empty', async (t) => {
  const rows = [
    { mode: 'sendmsg', round: 1, delivered: null, cpu: { user: 0.5 }, rounds: [1, null] },
    { mode: 'gso', round: 2, delivered: { lost: 3 }, cpu: { user: 0 }, rounds: [2, 3] },
  ]
  t.equal(
    csv(rows),
    [
      'mode,round,cpu.user,rounds.1,rounds.2,delivered.lost', //
      'sendmsg,1,0.5,1,,',
      'gso,2,0,2,3,3',
    ].join('\n'),
  )
  t.equal(csv([{ mode: 'dgram', delivered: null }]), 'mode,delivered\ndgram,', 'a column without a value stays')
  t.equal(csv([]), '')
})

t.test('quotes, and text that a spreadsheet would run', async (t) => {
  t.equal(csv([{ a: 'x,y', b: 'say "no"', c: 'two\nlines', d: -1 }]), 'a,b,c,d\n"x,y","say ""no""","two\nlines",-1')
  t.equal(csv([{ a: '=1+2', b: '@sum', c: '-1', d: '+1' }]), "a,b,c,d\n'=1+2,'@sum,'-1,'+1")
})
