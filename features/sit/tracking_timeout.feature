@sit
Feature: A Device is in progress until its update is over or the tracking timeout has passed
  Mirrors the negative SIT script of FIA 6.2.1 for ESME, GSME, HCALCS and PPMID where another Firmware Update is in
  progress, at its edge in time. That for the CHF is in pit/uc4_02_hub_firmware.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @subject-dsp @DSP-08 @DSP-09 @ppmid
  Scenario Outline: The PPMID behind the hub "<hub>", one second before and after the tracking timeout
    Given the hub is of the kind "<hub>"
    And the DSP's tracking timeout is 1 day
    And the manufacturer has released PPMID firmware version 00000020 of 2 KB
    When the PPMID is switched off
    And the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When it is one second before 1 day since the Import Supplier got N61 for the PPMID
    And the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that lists these failed Devices:
      | Device    | Reason                      |
      | the PPMID | firmware update in progress |
    When it is one second after 1 day since the Import Supplier got N61 for the PPMID
    And the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that lists no failed Device
    And the Gas Supplier gets N61 for the PPMID

    Examples:
      | hub                  |
      | North, dual band     |
      | South, single band   |
      | Central, single band |

  @subject-dsp @DSP-08 @DSP-09
  Scenario Outline: The <Device> that holds an image behind the hub "<hub>", one second before and after the tracking timeout
    Given the hub is of the kind "<hub>"
    And the DSP's tracking timeout is 2 days
    And the premises has the <Device>
    And the manufacturer has released <Device> firmware version 00000400 of 2 KB
    When the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets N62 for the <Device>
    When it is one second before 2 days since the <sender> got N62 for the <Device>
    And the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets one Service Response that lists these failed Devices:
      | Device       | Reason                      |
      | the <Device> | firmware update in progress |
    When it is one second after 2 days since the <sender> got N62 for the <Device>
    And the <sender> checks the image against the CPL and sends SRV 11.1 for the <Device>
    Then the <sender> gets one Service Response that lists no failed Device
    And the <sender> gets N61 for the <Device>

    @hcalcs
    Examples:
      | Device | sender          | hub                |
      | HCALCS | Import Supplier | North, single band |
      | HCALCS | Import Supplier | South, dual band   |
      | HCALCS | Import Supplier | Central, dual band |

    @esme
    Examples:
      | Device | sender          | hub                  |
      | ESME   | Import Supplier | North, dual band     |
      | ESME   | Import Supplier | South, single band   |
      | ESME   | Import Supplier | Central, single band |

    @gsme
    Examples:
      | Device | sender       | hub                |
      | GSME   | Gas Supplier | North, single band |
      | GSME   | Gas Supplier | South, dual band   |
      | GSME   | Gas Supplier | Central, dual band |

  @subject-dsp @DSP-23 @ALERT-N62-DISCARDED @ppmid
  Scenario: An Alert about an older image is its sender's, although another update has followed
    Given the DSP's tracking timeout is 1 day
    And these Devices are on the HAN, and there is new firmware for them:
      | Device    | Version  | KB | Supplier        |
      | the PPMID | 00000020 | 2  | Import Supplier |
      | the PPMID | 00000030 | 2  | Gas Supplier    |
    When the image of version 00000020 is distributed and waits
    And 2 days go by
    And the image of version 00000030 is distributed and waits
    Then 1 hour later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000020 | 1                       | N61, N62   | none    |
      | version 00000030 | none                    | N61        | none    |
    When every Device is switched on again
    Then 2 hours later exactly this has come of each image:
      | Image for        | Transfer response codes | DCC Alerts | Fetched |
      | version 00000020 | 1                       | N61, N62   | none    |
      | version 00000030 | 0                       | N61, N62   | all     |
