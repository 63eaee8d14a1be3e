//! A machine with managed boot diagnostics, in the body that `az deployment group create` sends.

use super::*;
use hardline_arm::template::deployment::Template;

/// The user's file.
const FILE: &str = r#"{
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "virtualMachineName": { "type": "string" },
        "virtualMachineComputerName": { "type": "string", "defaultValue": "[toLower(parameters('virtualMachineName'))]" },
        "virtualMachineSize": { "type": "string", "defaultValue": "Standard_B1s" },
        "networkInterfaceName": { "type": "string", "defaultValue": "[concat(parameters('virtualMachineName'), '-nic')]" },
        "osDiskType": { "type": "string", "allowedValues": ["Standard_LRS", "StandardSSD_LRS"], "defaultValue": "Standard_LRS" },
        "location": { "type": "string", "defaultValue": "[resourceGroup().location]" },
        "adminUsername": { "type": "string", "defaultValue": "op" },
        "adminPublicKey": { "type": "securestring" }
    },
    "resources": [
        // The card was made before.
        {
            "type": "Microsoft.Compute/virtualMachines",
            "apiVersion": "2020-06-01",
            "name": "[parameters('virtualMachineName')]",
            "location": "[parameters('location')]",
            "dependsOn": [
                "[concat('Microsoft.Network/networkInterfaces/', parameters('networkInterfaceName'))]"
            ],
            "properties": {
                "hardwareProfile": { "vmSize": "[parameters('virtualMachineSize')]" },
                "storageProfile": {
                    "osDisk": {
                        "createOption": "fromImage",
                        "managedDisk": { "storageAccountType": "[parameters('osDiskType')]" }
                    },
                    "imageReference": {
                        "publisher": "Hardline", "offer": "hardline-demo", "sku": "default", "version": "latest"
                    }
                },
                "networkProfile": {
                    "networkInterfaces": [
                        { "id": "[resourceId('Microsoft.Network/networkInterfaces', parameters('networkInterfaceName'))]" }
                    ]
                },
                "osProfile": {
                    "computerName": "[parameters('virtualMachineComputerName')]",
                    "adminUsername": "[parameters('adminUsername')]",
                    "linuxConfiguration": {
                        "disablePasswordAuthentication": true,
                        "ssh": { "publicKeys": [ { "keyData": "[parameters('adminPublicKey')]" } ] }
                    }
                },
                "diagnosticsProfile": { "bootDiagnostics": { "enabled": true } }
            }
        }
    ],
    "outputs": {
        "vmId": { "type": "string", "value": "[reference(parameters('virtualMachineName')).vmId]" }
    },
}"#;

const NIC: &str =
    "/subscriptions/s1/resourceGroups/demo/providers/Microsoft.Network/networkInterfaces/Web-nic";

fn sent() -> (Arc<Document>, Value) {
    let text = format!(
        r#"{{"properties": {{"parameters": {{"virtualMachineName": {{"value": "Web"}}, "adminPublicKey": {{"value": "ssh-rsa hunter2"}}}}, "mode": "Incremental", template:{FILE}}}}}"#
    );
    let document = Document::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    let parameters = document.value["properties"]["parameters"].clone();
    (Arc::new(document), parameters)
}

#[test]
fn the_machine_is_made_as_its_template_says() {
    let (document, parameters) = sent();
    let plan = plan(&Template::new(document, "/properties/template"), &parameters, &around()).unwrap();
    assert_eq!(plan.nodes.len(), 1);
    let node = &plan.nodes[0];
    assert_eq!(node.id, format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/Web"));
    assert_eq!(
        (node.resource_type.as_str(), node.api_version.as_str()),
        ("Microsoft.Compute/virtualMachines", "2020-06-01")
    );
    assert_eq!(node.position.line, 16);
    let body = body(&plan, 0);
    assert_eq!(
        body,
        json!({
            "location": "local",
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_B1s"},
                "storageProfile": {
                    "osDisk": {"createOption": "fromImage", "managedDisk": {"storageAccountType": "Standard_LRS"}},
                    "imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "default", "version": "latest"},
                },
                "networkProfile": {"networkInterfaces": [{"id": NIC}]},
                "osProfile": {
                    "computerName": "web", "adminUsername": "op",
                    "linuxConfiguration": {"disablePasswordAuthentication": true, "ssh": {"publicKeys": [{"keyData": "ssh-rsa hunter2"}]}},
                },
                "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}},
            }
        })
    );
}

#[test]
fn what_is_not_in_the_template_must_exist() {
    let (document, parameters) = sent();
    let plan = plan(&Template::new(document, "/properties/template"), &parameters, &around()).unwrap();
    let outside = &plan.nodes[0].outside;
    assert_eq!(outside.len(), 1);
    assert_eq!(outside[0].id, NIC);
    assert_eq!(
        outside[0].refusal.message,
        "The resource 'Microsoft.Network/networkInterfaces/Web-nic' is not defined in the template. Please see https://aka.ms/arm-syntax-resources for usage details."
    );
    assert_eq!(outside[0].refusal.position.line, 22);
}

#[test]
fn outputs_wait_for_the_machine() {
    let (document, parameters) = sent();
    let plan = plan(&Template::new(document, "/properties/template"), &parameters, &around()).unwrap();
    let Err(Unresolved::Needs(needs)) = plan.outputs(&Answers::default()) else { panic!("not known yet") };
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].id(), plan.nodes[0].id);
    let mut answers = Answers::default();
    answers.insert(&needs[0], json!({"vmId": "42"}));
    assert_eq!(plan.outputs(&answers).unwrap(), json!({"vmId": {"type": "String", "value": "42"}}));
}

#[test]
fn a_secure_parameter_is_not_shown() {
    let (document, parameters) = sent();
    let plan =
        plan(&Template::new(document.clone(), "/properties/template"), &parameters, &around()).unwrap();
    let shown = plan.parameters();
    assert_eq!(shown["adminPublicKey"], json!({"type": "SecureString"}));
    assert_eq!(shown["networkInterfaceName"], json!({"type": "String", "value": "Web-nic"}));
    for text in [shown.to_string(), format!("{plan:?}"), format!("{document:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
