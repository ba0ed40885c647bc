// The acceptance cases of the REST API over real HTTP, against the real service on LevelDB.
import { restAcceptance } from '../contract/rest-acceptance.ts'
import { startTestServer } from '../helpers/running-server.ts'

restAcceptance('the real service on LevelDB', () => startTestServer())
