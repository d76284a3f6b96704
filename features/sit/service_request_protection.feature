@sit @ppmid
Feature: The DCC acts on no Service Request that it must not trust
  The DCC checks each Service Request before it does anything else: its structure, who sends it in which role, the
  signature and the certificate, and that it has not had it before (SEC Appendix AB 6.1). It signs what it sends itself.

  Background:
    Given a dual Supplier premises whose PPMID runs firmware version 00000010
    And the manufacturer has released PPMID firmware version 00000020 of 16 KB

  @SR-08
  Scenario: A request that comes a second time is not acted on, and all that the DCC sends is signed
    When the Import Supplier checks the image against the CPL and sends SRV 11.4 for the PPMID
    Then the Import Supplier gets N39 for the PPMID with version 00000020
    When the Import Supplier's last Service Request comes a second time
    Then the DCC refuses the Import Supplier's Service Request, because its RequestID was used before
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert
    And the DCC has signed all that it sent to the Suppliers

  @SR-08
  Scenario: A request without a signature is refused
    Given the setting "unsigned_requests" is as usual
    When the Import Supplier sends SRV 11.4 for the PPMID without a signature
    Then the DCC refuses the Import Supplier's Service Request, because its protection does not verify
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @SR-08
  Scenario: A request that was changed after it was signed is refused
    When somebody changes the Devices of the Import Supplier's SRV 11.4 to the PPMID after it was signed
    Then the DCC refuses the Import Supplier's Service Request, because its protection does not verify
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @SR-08
  Scenario Outline: A request is refused whose certificate <flaw>
    Given the Import Supplier signs with a certificate that <flaw>
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the DCC refuses the Import Supplier's Service Request, because its protection does not verify
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

    Examples:
      | flaw                                 |
      | has expired                          |
      | is not valid yet                     |
      | is for Commands to Devices           |
      | no authority of the DCC's has issued |
      | is the Gas Supplier's                |

  @SR-08
  Scenario: A request of a User whose right to send is suspended is refused
    Given the Import Supplier's right to send Service Requests is suspended
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the DCC refuses the Import Supplier's Service Request, because the sender is suspended
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @SR-08
  Scenario: A request of a User whose role is not eligible is refused
    Given the Import Supplier acts in the User Role of a Network Operator
    When the Import Supplier sends SRV 11.4 for the PPMID without checking the image
    Then the DCC refuses the Import Supplier's Service Request, because the sender's role is not eligible
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert

  @SR-08
  Scenario: A request whose structure is not valid is refused
    When the Import Supplier sends SRV 11.4 for the PPMID under the Service Reference of SRV 11.1
    Then the DCC refuses the Import Supplier's Service Request, because its structure is not valid
    And for an hour nothing is sent to the CSP and nobody gets a DCC Alert
