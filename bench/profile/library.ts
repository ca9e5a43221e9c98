/** All that the profile's workers use of the library, in one place: what is measured, and the parts it is made of. */
export {
  BatchConn,
  type Endpoint,
  endpoint,
  RecvBatch,
  SendBatch,
} from '../../src/index.js'
export * from '../../src/internal.js'
