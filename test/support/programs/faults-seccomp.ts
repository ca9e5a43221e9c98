import * as koffi from 'koffi'

// Installs a seccomp filter before the following program runs: node --require faults-seccomp.js PROGRAM. The
// environment variable FAULTS_SECCOMP lists the rejected calls: sendmmsg=EPERM,recvmmsg=ENOSYS.

/** Numbers of asm/unistd.h. */
const SYSTEM_CALLS: Record<string, Record<string, number>> = {
  x64: { sendmmsg: 307, recvmmsg: 299 },
  arm64: { sendmmsg: 269, recvmmsg: 243 },
}
const ERRNOS: Record<string, number> = { EPERM: 1, ENOSYS: 38 }
const AUDIT_ARCH: Record<string, number> = { x64: 0xc000003e, arm64: 0xc00000b7 }

const PR_SET_NO_NEW_PRIVS = 38
const PR_SET_SECCOMP = 22
const SECCOMP_MODE_FILTER = 2
const SECCOMP_RET_ALLOW = 0x7fff0000
const SECCOMP_RET_ERRNO = 0x00050000
const BPF_LD_W_ABS = 0x20
const BPF_JMP_JEQ_K = 0x15
const BPF_RET_K = 0x06
/** Offsets in struct seccomp_data. */
const NUMBER_OFFSET = 0
const ARCHITECTURE_OFFSET = 4

type Instruction = [code: number, ifTrue: number, ifFalse: number, k: number]

/** A classic BPF program (bpf(4)): the listed system calls return an errno, everything else is allowed. */
function program(refused: [number, number][]): Buffer {
  const instructions: Instruction[] = [
    [BPF_LD_W_ABS, 0, 0, ARCHITECTURE_OFFSET],
    [BPF_JMP_JEQ_K, 1, 0, AUDIT_ARCH[process.arch]],
    [BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW],
    [BPF_LD_W_ABS, 0, 0, NUMBER_OFFSET],
    ...refused.flatMap(([number, errno]): Instruction[] => [
      [BPF_JMP_JEQ_K, 0, 1, number],
      [BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO | errno],
    ]),
    [BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW],
  ]
  const bytes = Buffer.alloc(instructions.length * 8)
  for (const [index, [code, ifTrue, ifFalse, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(ifTrue, index * 8 + 2)
    bytes.writeUInt8(ifFalse, index * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4)
  }
  return bytes
}

function install(filter: Buffer): void {
  const sockFprog = Buffer.alloc(16)
  sockFprog.writeUInt16LE(filter.length / 8, 0)
  sockFprog.writeBigUInt64LE(BigInt(koffi.address(filter)), 8)
  const prctl = koffi.load(null).func('int prctl(int, unsigned long, uintptr_t, unsigned long, unsigned long)')
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('PR_SET_NO_NEW_PRIVS failed')
  const status = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, Number(koffi.address(sockFprog)), 0, 0)
  if (status !== 0) throw new Error('PR_SET_SECCOMP failed')
}

const refused = (process.env.FAULTS_SECCOMP ?? '').split(',').map((text): [number, number] => {
  const [name, errno] = text.split('=')
  return [SYSTEM_CALLS[process.arch][name], ERRNOS[errno]]
})
install(program(refused))
