@sit @ppmid
Feature: The DSP refuses what must not be distributed
  The DSP checks the image against the CPL and each Device against the SMI and the registration data. A Device that fails
  is listed with its reason, and the others are updated all the same. Mirrors, for the PPMID, the negative SIT scripts of
  FIA 6.2.1 for the Hash on the CPL and for another Firmware Update in progress.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010

  @DSP-02 @CPL-05
  Scenario: The DSP refuses an image whose Hash is not on the CPL
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its Hash is not on the CPL
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the Import Supplier gets one Service Response that refuses the request, because the Hash is not on the CPL
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @DSP-02 @CPL-05
  Scenario: The DSP refuses an image whose CPL entry has been removed
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    But its CPL entry has been removed
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the Import Supplier gets one Service Response that refuses the request, because the Hash is not on the CPL
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @DSP-02
  Scenario: The DSP refuses an image whose Hash belongs to another firmware version
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    When the Import Supplier sends SRV 11.4 for the PPMID, which names firmware version 00000030
    Then the Import Supplier gets one Service Response that refuses the request, because the Hash is of another version
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @DSP-03 @DSP-04 @DSP-05 @DSP-06 @DSP-07 @SR-06
  Scenario: Devices that fail are listed with their reasons, and the PPMID is updated
    Given the manufacturer has released PPMID firmware version 00000020 of 16 KB
    And the SMI has a PPMID of the same model with another hardware version
    When the Import Supplier sends SRV 11.4 for these Devices:
      | Device                              |
      | an unknown Device                   |
      | an ESME                             |
      | a PPMID that is not commissioned    |
      | the PPMID                           |
      | a PPMID of another model            |
      | a PPMID of another hardware version |
      | a PPMID of another Supplier         |
    Then the Import Supplier gets one Service Response that lists these failed Devices:
      | Device                              | Reason                       |
      | an unknown Device                   | invalid Device               |
      | an ESME                             | invalid Device               |
      | a PPMID that is not commissioned    | not commissioned             |
      | a PPMID of another model            | firmware not applicable      |
      | a PPMID of another hardware version | firmware not applicable      |
      | a PPMID of another Supplier         | not the Responsible Supplier |
    And the DSP sends the CSP one distribution request for the PPMID, of Device type PPMID
    And the Gas Supplier gets N59 with the Hash of the Manufacturer Image and the PPMID
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts    |
      | Import Supplier | N61, N62, N39 |
      | Gas Supplier    | N59, N39      |

  @DSP-05 @DSP-10
  Scenario: What the DSP refuses a Device is the status recorded of it
    Given the manufacturer has released PPMID firmware version 00000020 of 2 KB
    But its CPL entry names another model
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the Import Supplier gets one Service Response that lists these failed Devices:
      | Device    | Reason                  |
      | the PPMID | firmware not applicable |
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert
    And within 15 minutes the 'Firmware Update Status' screen shows the Import Supplier that the PPMID is REJECTED_BY_DSP, by the Import Supplier's request for version 00000020

  @DSP-08 @DSP-23 @ALERT-N59 @ALERT-N61 @ALERT-N62-SUCCESS
  Scenario Outline: A PPMID behind the hub "<hub>" with an update in progress is refused a further one once <how far>
    Given the setting "csp.notification_batch" is as usual
    And the hub is of the kind "<hub>"
    And the manufacturer has released PPMID firmware version 00000020 of 64 KB
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the <alerted> gets <alert> for the PPMID
    When the Gas Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Gas Supplier gets one Service Response that lists these failed Devices:
      | Device    | Reason                      |
      | the PPMID | firmware update in progress |
    And the Import Supplier gets N39 for the PPMID with version 00000020
    And after an hour of quiet the Suppliers have got exactly these DCC Alerts:
      | Supplier        | DCC Alerts |
      | Import Supplier | <later>    |
      | Gas Supplier    | N39        |

    Examples:
      | how far                         | alerted         | alert | later         | hub                  |
      | it is approved for distribution | Gas Supplier    | N59   | N61, N62, N39 | North, single band   |
      | the hub has the image           | Import Supplier | N61   | N62, N39      | South, dual band     |
      | the PPMID has the image         | Import Supplier | N62   | N39           | Central, single band |

  @DSP-08
  Scenario: An update in progress does not stop that of another PPMID on the same hub
    Given the manufacturer has released PPMID firmware version 00000020 of 64 KB
    And the SMI has a second PPMID on the same hub, which the CSP does not know
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N61 for the PPMID
    When the Gas Supplier sends SRV 11.4 for these Devices:
      | Device           |
      | the second PPMID |
    Then the Gas Supplier gets one Service Response that lists no failed Device
