/** What the profile uses of the library: its public interface, and the components that are measured separately. */
export { BatchConn, type Endpoint, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
export * from '../../src/internal.js'
